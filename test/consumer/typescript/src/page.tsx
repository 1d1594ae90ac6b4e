import { createBff } from 'cis2-bff/client';
import { PagesProvider, SessionPages } from 'cis2-bff/client/pages';
import { BffProvider } from 'cis2-bff/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Referral } from './referral.tsx';

const page = document.querySelector('#page');
if (page === null) throw new Error('there is no #page');
createRoot(page).render(
  <StrictMode>
    <BffProvider client={createBff()}>
      <PagesProvider serviceName="Referrals">
        <SessionPages>
          <Referral />
        </SessionPages>
      </PagesProvider>
    </BffProvider>
  </StrictMode>,
);
