/**
 * What a tab keeps for itself. A browser that blocks cookies refuses its storage as well, by throwing: such a tab keeps
 * nothing.
 */

function attempt<Result>(action: () => Result): Result | null {
  try {
    return action();
  } catch {
    return null;
  }
}

export const tabStorage = {
  get: (key: string): string | null => attempt(() => sessionStorage.getItem(key)),
  set: (key: string, value: string): void => {
    attempt(() => {
      sessionStorage.setItem(key, value);
    });
  },
  remove: (key: string): void => {
    attempt(() => {
      sessionStorage.removeItem(key);
    });
  },
};
