import { useBff, useSession } from 'cis2-bff/client/react';
import { useState } from 'react';
import type { upstreams } from '../bff.config.ts';

export function Referral() {
  const bff = useBff<typeof upstreams>();
  const session = useSession();
  const [reason, setReason] = useState('');
  const read = async (): Promise<void> => {
    const response = await bff.api('GET /api/referrals/Referral/{id}', {
      parameters: { id: '1234' },
      query: { view: 'full' },
    });
    setReason(((await response.json()) as { reason: string }).reason);
  };
  if (session.status !== 'active') return null;
  return (
    <>
      <h1>Referrals</h1>
      <p id="name">{session.user.name}</p>
      <button onClick={() => void read()}>Read the referral</button>
      <p role="status">{reason}</p>
    </>
  );
}
