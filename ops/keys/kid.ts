/** Whether a key of ours can be called that. */
export const isKid = (text: string): boolean => /^[A-Za-z0-9._~-]{1,128}$/.test(text);
