// A partner's system on openid-client, as the scripts here drive it, and the customer who decides.
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { credentials, JSON_BODY, QUERY, SCORE, signingKey } from './checks.mjs';

export const issuer = new URL(credentials.issuer);
export const graphql = new URL(credentials.graphql);

/** The customer, in a browser of their own. */
export const person = (handle = 'excellent') =>
  new Browser(credentials.issuer, credentials.personas.find((persona) => persona.handle === handle));

/** How a client proves who it is. `alg` replaces the name of its algorithm, `claims` go into each assertion. */
export async function authentication(client, { key, kid, alg, claims } = {}) {
  if (client.client_secret) return oauth.ClientSecretBasic(client.client_secret);
  const jwk = client.private_jwk;
  return oauth.PrivateKeyJwt({ key: key ?? (await signingKey(jwk)), kid: kid ?? jwk.kid }, {
    [oauth.modifyAssertion](header, payload) {
      if (alg) header.alg = alg;
      Object.assign(payload, claims);
    },
  });
}

export const overHttp = (log = []) => ({
  algorithm: 'oauth2',
  execute: [oauth.allowInsecureRequests],
  [oauth.customFetch]: async (url, options) => {
    const answer = await fetch(url, options);
    log.push({ url: String(url), status: answer.status });
    return answer;
  },
});

/** openid-client's configuration for this client, all by discovery. */
export async function connect(client, { log, metadata = {}, ...proving } = {}) {
  return oauth.discovery(issuer, client.client_id, metadata, await authentication(client, proving), overHttp(log));
}

/** A proof-of-possession handle with a fresh key; `name` replaces the name of its algorithm. */
export async function prover(config, alg = 'ES256', name = alg) {
  return oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair(alg), {
    [oauth.modifyAssertion](header) {
      header.alg = name;
    },
  });
}

/** A pushed request, ready to be shown: its address, and what the answer will be checked by. */
export async function pushed(config, redirect_uri, { DPoP, ...changed } = {}) {
  const verifier = oauth.randomPKCECodeVerifier();
  const state = oauth.randomState();
  const address = await oauth.buildAuthorizationUrlWithPAR(config, {
    redirect_uri,
    authorization_details: JSON.stringify([SCORE]),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...changed,
  }, { DPoP });
  return { address, checks: { pkceCodeVerifier: verifier, expectedState: state } };
}

/** What comes back to the client after the customer has decided, and what it is checked by. */
export async function answered(config, redirect_uri, { decision = 'allow', browser = person(), ...changed } = {}) {
  const { address, checks } = await pushed(config, redirect_uri, changed);
  return { back: await browser.decide(address, decision), checks, address, browser };
}

/** The tokens of a whole way: pushed, allowed, redeemed. */
export async function tokensFor(config, redirect_uri, DPoP, changed = {}) {
  const { back, checks } = await answered(config, redirect_uri, changed);
  return oauth.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
}

/** The API's answer to this query. */
export async function ask(config, token, DPoP, query = QUERY) {
  const answer = await oauth.fetchProtectedResource(config, token, graphql, 'POST', query, JSON_BODY, { DPoP });
  return { status: answer.status, ...(await answer.json()) };
}
