import { CouldNot } from './errors.ts';
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

export const isAwsError = (error: unknown): error is AwsError =>
  typeof error === 'object' && error !== null && 'name' in error && 'message' in error;

/** The call may have been carried out or not: no response came. */
export const isNoResponse = (error: unknown): boolean =>
  isAwsError(error) &&
  (error.name === 'TimeoutError' || unreachable.has(error.code ?? '') || unreachable.has(error.name));

/**
 * What a failed call to AWS means for whoever ran the command. AWS's own words are quoted only where they say who may
 * not do what.
 *
 * @param action - the IAM action of the call, e.g. `lambda:InvokeFunction`
 */
export function awsFailure(error: unknown, action: string): CouldNot {
  const because = (code: string, message: string): CouldNot => new CouldNot(code, message, { cause: error });
  if (!isAwsError(error)) return because('aws_error', `${action} failed for an unknown reason`);
  const { name } = error;

  // Of the token provider too: `aws sso login` has not been run, or not today.
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
      `AWS does not allow you ${action}: assume the role in the stack output OperatorReadOnlyRoleArn, or, to change something, the one in OperatorRoleArn (AWS says: ${oneLine(error.message).slice(0, 400)})`,
    );
  }
  if (throttled.has(name) || error.$metadata?.httpStatusCode === 429) {
    return because('throttled', `AWS takes no more calls of ${action} at this moment: try again in a minute`);
  }
  if (isNoResponse(error)) {
    return because('unreachable', `no answer from AWS to ${action}: check the network, and try again`);
  }
  const status = error.$metadata?.httpStatusCode;
  return because(
    'aws_error',
    `${action} failed: AWS answered ${oneLine(name)}${status === undefined ? '' : ` (status ${String(status)})`}`,
  );
}
