/** Whether a sign-in can work at all in this browser. */

const name = '__Host-cookie-check';
const attributes = 'Secure; SameSite=Lax; Path=/';

/**
 * This browser keeps cookies like those of the backend. One is set and taken away again, for a browser may say that it
 * takes cookies and leave out these: `Secure` ones on `http://localhost`, in Safari.
 */
export function keepsCookies(): boolean {
  if (!navigator.cookieEnabled) return false;
  document.cookie = `${name}=1; ${attributes}; Max-Age=60`;
  const isKept = document.cookie.split('; ').includes(`${name}=1`);
  document.cookie = `${name}=; ${attributes}; Max-Age=0`;
  return isKept;
}
