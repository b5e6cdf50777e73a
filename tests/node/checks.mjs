// What the scripts here share: named checks, one line each, and what they are run against.
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';

let done = 0;
let failed = 0;

/** Runs one check and prints `ok NAME`, or `not ok NAME: why`. Gives what `body` gave, undefined if it failed. */
export async function check(name, body) {
  done += 1;
  try {
    const given = await body();
    console.log(`ok ${name}`);
    return given;
  } catch (error) {
    failed += 1;
    const why = [error.message, error.cause?.error, error.cause?.error_description, error.cause?.message];
    console.log(`not ok ${name}: ${why.filter(Boolean).join('; ').replaceAll(/\s+/g, ' ')}`);
    return undefined;
  }
}

/** Prints how many checks ran, and ends with exit code 1 if one of them failed. */
export function end() {
  console.log(`${done} checks, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** Asserts that the promise is refused with this OAuth error code and, where one is given, this HTTP status. */
export async function refused(promise, code, status) {
  const error = await promise.then(() => assert.fail(`${code} was due, and it was accepted`), (reason) => reason);
  if (error instanceof assert.AssertionError) throw error;
  assert.equal(error.error ?? error.cause?.error ?? error.message, code);
  if (status !== undefined) assert.equal(error.status, status);
  return error;
}

/** Asserts that a resource request is refused by a challenge of this scheme with this error; `error` may be absent. */
export async function challenged(promise, scheme, error) {
  const reason = await promise.then(() => assert.fail('a challenge was due, and it was accepted'), (thrown) => thrown);
  if (reason instanceof assert.AssertionError) throw reason;
  assert.ok(Array.isArray(reason.cause), `no challenge, but: ${reason.message}`);
  assert.equal(reason.status ?? reason.response?.status, 401);
  const said = reason.cause.map((challenge) => `${challenge.scheme} ${challenge.parameters.error ?? '-'}`);
  assert.ok(said.includes(`${scheme} ${error ?? '-'}`), `challenges: ${said}`);
}

/** The sandbox's credentials, from the file that the first argument names. */
export const credentials = JSON.parse(readFileSync(process.argv[2], 'utf8'));

/** A demo merchant's client of this profile. */
export function clientOf(adapter, profile) {
  const merchant = credentials.merchants.find((one) => one.adapter === adapter);
  return merchant.clients.find((one) => one.profile === profile);
}

/** The signing key of a private JWK as WebCrypto has it. */
export async function signingKey(jwk) {
  const algorithms = {
    EC: { name: 'ECDSA', namedCurve: 'P-256' },
    RSA: { name: 'RSA-PSS', hash: 'SHA-256' },
    OKP: { name: 'Ed25519' },
  };
  return crypto.subtle.importKey('jwk', jwk, algorithms[jwk.kty], false, ['sign']);
}

export const QUERY = JSON.stringify({ query: '{ consentedUser { scoreTier { tier } } }' });
export const JSON_BODY = new Headers({ 'content-type': 'application/json' });
export const SCORE = { type: 'score', level: 'tier', purpose: 'CAR_RENTAL', duration: 'P30D' };
