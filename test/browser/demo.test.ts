/** What people do in the demo: one running product for all of it. Where they are signed in has a file of its own. */
import './sign-in.ts';
import './smartcard.ts';
import './patients.ts';
