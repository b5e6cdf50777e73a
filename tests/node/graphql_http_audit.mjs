// Runs graphql-http's audits against a live server: node graphql_http_audit.mjs URL [TOKEN]
// Prints each result that is not ok, and exits with 1 for any error or warning.
import { auditServer } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const authorized = (address, options) =>
  fetch(address, { ...options, headers: { ...options?.headers, authorization: `Bearer ${token}` } });
const results = await auditServer({ url, fetchFn: token ? authorized : undefined });
for (const { id, name, status, reason } of results) {
  if (status !== 'ok') console.log(`${status} ${id} ${name}: ${reason}`);
}
const count = (status) => results.filter((result) => result.status === status).length;
console.log(`${results.length} audits: ${count('ok')} ok, ${count('notice')} notices, ${count('warn')} warnings, ${count('error')} errors`);
process.exit(count('warn') + count('error') === 0 ? 0 : 1);
