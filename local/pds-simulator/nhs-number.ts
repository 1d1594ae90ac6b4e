/**
 * Whether text is an NHS number: ten digits, the last of which is the check digit, modulus 11. A remainder that would
 * need the check digit 10 is given to nobody.
 */
export function isNhsNumber(text: string): boolean {
  if (!/^\d{10}$/.test(text)) return false;
  const digits = Array.from(text, Number);
  const sum = digits.slice(0, 9).reduce((total, digit, index) => total + digit * (10 - index), 0);
  return (11 - (sum % 11)) % 11 === digits[9];
}
