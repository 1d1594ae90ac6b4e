/** How a client of the AWS SDK calls an embedded service, which takes any credentials. */
export const localAws = (endpoint: string) => ({
  endpoint,
  region: 'eu-west-2',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
