import type { SessionState } from 'cis2-bff/client';

/** The state of the session in a sentence. */
export function describeState(state: SessionState): string {
  switch (state.status) {
    case 'active':
      return `Signed in as ${state.user.name}, ${state.role?.roleName ?? 'no role chosen'}`;
    case 'ended':
      return `You have been signed out (${state.reason})`;
    case 'unavailable':
      return 'The service is not available. We are trying again';
    case 'loading':
      return 'Loading';
    default:
      return 'Nobody is signed in';
  }
}
