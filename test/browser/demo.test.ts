/** What people do in the demo: one running product for all of it. */
// First: whoever another test left signed in would be in its lists.
import './sessions.ts';
import './sign-in.ts';
import './roles.ts';
import './leaving.ts';
import './smartcard.ts';
import './patients.ts';
