// Stands in for Prettier in the GraphQL worker. Monaco has no command that formats, see monaco.js.
export const parsers = {};
export default {};
