// Shared by the scripts of this folder: named checks, printed in one line each, and the credentials.
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';

let done = 0;
let failed = 0;

/** Runs a check and prints `ok NAME` or `not ok NAME: reason`. Returns the result of `body`, undefined on failure. */
export async function check(name, body) {
  done += 1;
  try {
    const result = await body();
    console.log(`ok ${name}`);
    return result;
  } catch (error) {
    failed += 1;
    const reasons = [error.message, error.cause?.error, error.cause?.error_description, error.cause?.message];
    console.log(`not ok ${name}: ${reasons.filter(Boolean).join('; ').replaceAll(/\s+/g, ' ')}`);
    return undefined;
  }
}

/** Prints the number of checks, and exits with 1 if one of them failed. */
export function end() {
  console.log(`${done} checks, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** Asserts that the attempt is rejected with this OAuth error code and, if it is given, this HTTP status. */
export async function assertRejected(attempt, code, status) {
  const error = await attempt.then(() => assert.fail(`expected ${code}, but it was accepted`), (reason) => reason);
  if (error instanceof assert.AssertionError) throw error;
  // For a response with a challenge both libraries report the challenges only.
  const challenge = Array.isArray(error.cause) ? error.cause[0].parameters.error : undefined;
  assert.equal(error.error ?? error.cause?.error ?? challenge ?? error.message, code);
  if (status !== undefined) assert.equal(error.status ?? error.response?.status, status);
  return error;
}

/** Asserts that a resource request is rejected with a challenge of this scheme and, if it is given, this error. */
export async function assertChallenged(attempt, scheme, error) {
  const reason = await attempt.then(() => assert.fail('expected a challenge, but it was accepted'), (thrown) => thrown);
  if (reason instanceof assert.AssertionError) throw reason;
  assert.ok(Array.isArray(reason.cause), `no challenge, but: ${reason.message}`);
  assert.equal(reason.status ?? reason.response?.status, 401);
  const challenges = reason.cause.map((challenge) => `${challenge.scheme} ${challenge.parameters.error ?? '-'}`);
  assert.ok(challenges.includes(`${scheme} ${error ?? '-'}`), `challenges: ${challenges}`);
}

/** The credentials of the sandbox, from the file in the first argument. */
export const credentials = JSON.parse(readFileSync(process.argv[2], 'utf8'));

/** Returns the client of a demo merchant with this profile. Its redirect URI leads away from the sandbox. */
export function clientOf(adapter, profile) {
  const merchant = credentials.merchants.find((one) => one.adapter === adapter);
  const client = merchant.clients.find((one) => one.profile === profile);
  return { ...client, redirect_uri: client.loopback_redirect_uri };
}

/** Returns the WebCrypto signing key of a private JWK. */
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
