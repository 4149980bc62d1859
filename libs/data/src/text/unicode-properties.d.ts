declare module 'regenerate-unicode-properties/*' {
  /** Code points as a set of `regenerate`. */
  const property: {
    readonly characters: { toString(options: { readonly hasUnicodeFlag: true }): string };
  };
  export default property;
}
