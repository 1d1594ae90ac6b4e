/** Asks an address the way CIS2 is asked, in a process whose trusted authorities the caller chooses. Prints what came of it. */
import { providerFetch } from '../../lambdas/cis2/transport.ts';

const [address = ''] = process.argv.slice(2);
try {
  const response = await providerFetch(AbortSignal.timeout(4_000))(address, {});
  console.log(`responded with ${String(response.status)}`);
} catch (error) {
  const { code, cause } = error as { code?: string; cause?: { code?: string; message: string } };
  const why = cause?.code === 'EPROTO' ? cause.message : cause?.code;
  console.log(`${code ?? 'unknown'} ${why ?? ''}`.trim());
}
