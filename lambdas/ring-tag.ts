/** The tag of a key in KMS, in the conditions of the policies: a function may use only the keys of its own ring. */
export const ringTag = 'cis2-bff:ring';
