import manifest from '../package.json' with { type: 'json' }

/** All packages are released together under one version. */
export const VERSION: string = manifest.version
