/**
 * How long a session may live, in seconds: CIS2's own limits (NHS CIA Ses Req 005 and 007). They are the defaults; an app can
 * shorten them, and never lengthen them.
 */

/** Without user activity. */
export const maxIdleSeconds = 900;

/** Whatever the user does. */
export const maxAbsoluteSeconds = 43_200;
