import { CommandFailed } from './errors.ts';
import { oneLine } from './wording.ts';

interface AwsError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const throttled = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'LimitExceededException',
]);
const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'TokenRefreshRequired']);
const unknownCaller = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'InvalidAccessKeyId',
  'AuthFailure',
]);
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
]);

/** Turns an error of a call into the command's own. @param action - the IAM action of the call */
export type Failure = (error: unknown, action: string) => CommandFailed;

/** For a client of AWS that an app has not installed. */
export const packageMissing =
  (name: string) =>
  (cause: unknown): never => {
    const message = `this command needs the package ${name}: npm install -D ${name}`;
    throw new CommandFailed('package_missing', message, { cause });
  };

export const isAwsError = (error: unknown): error is AwsError =>
  typeof error === 'object' && error !== null && 'name' in error && 'message' in error;

/** No response came: the call may have been carried out or not. */
export const isNoResponse = (error: unknown): boolean =>
  isAwsError(error) &&
  (error.name === 'TimeoutError' || unreachable.has(error.code ?? '') || unreachable.has(error.name));

/**
 * Explains a failed call to AWS to whoever ran the command. AWS's own message is quoted only where it says which right is missing.
 *
 * @param action - the IAM action of the call, e.g. `lambda:InvokeFunction`
 */
export function awsFailure(error: unknown, action: string): CommandFailed {
  const because = (code: string, message: string): CommandFailed =>
    new CommandFailed(code, message, { cause: error });
  if (!isAwsError(error)) return because('aws_error', `${action} failed for an unknown reason`);
  const { name } = error;

  // The token provider's error: `aws sso login` has not been run, or its session is over.
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return because(
      'no_credentials',
      'there are no AWS credentials: sign in (aws sso login) and name the profile in AWS_PROFILE',
    );
  }
  if (expired.has(name)) {
    return because('credentials_expired', 'the AWS credentials have expired: sign in again (aws sso login)');
  }
  if (unknownCaller.has(name)) {
    return because(
      'credentials_refused',
      'AWS does not accept the credentials: see aws sts get-caller-identity',
    );
  }
  if (/^AccessDenied|^UnauthorizedOperation$/.test(name) || error.$metadata?.httpStatusCode === 403) {
    return because(
      'access_denied',
      `AWS does not allow you ${action}: assume the role in the stack output OperatorReadOnlyRoleArn, or OperatorRoleArn for a command that changes something (AWS says: ${oneLine(error.message).slice(0, 400)})`,
    );
  }
  if (throttled.has(name) || error.$metadata?.httpStatusCode === 429) {
    return because('throttled', `AWS throttles calls of ${action}: try again in a minute`);
  }
  if (isNoResponse(error)) {
    return because('unreachable', `AWS did not respond to ${action}: check the network, and try again`);
  }
  const status = error.$metadata?.httpStatusCode;
  return because(
    'aws_error',
    `${action} failed: AWS answered ${oneLine(name)}${status === undefined ? '' : ` (status ${String(status)})`}`,
  );
}
