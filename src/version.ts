/** The version of this build: the one in package.json, which a test compares, so that the executable knows it without the file. */
export const VERSION: string = "0.1.0";
