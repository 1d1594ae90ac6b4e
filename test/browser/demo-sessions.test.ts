/** Where people are signed in, in which role, and how they leave: one running product for all of it. */
// First: whoever another test left signed in would be in its lists.
import './sessions.ts';
import './roles.ts';
import './leaving.ts';
