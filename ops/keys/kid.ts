/** Whether a key of ours can be called that. */
export const isKid = (text: string): boolean => /^[\x21-\x7e]{1,128}$/.test(text);
