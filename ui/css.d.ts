/** Style sheets are imported for the build to bundle; they have no values. */
declare module '*.css'
