/**
 * Stands in for the AWS SDK's credential chain at bundling time. A Lambda function's credentials are always in its
 * environment; the other sources of the chain would double the bundle and load the HTTP stack at cold start.
 */
export const defaultProvider = () => () => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  return AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined
    ? Promise.reject(new Error('no AWS credentials in the environment'))
    : Promise.resolve({
        accessKeyId: AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_SECRET_ACCESS_KEY,
        ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
      });
};
