// A partner's client, built on openid-client, and the customer who decides.
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { credentials, JSON_BODY, QUERY, SCORE, signingKey } from './checks.mjs';

export const issuer = new URL(credentials.issuer);
export const graphql = new URL(credentials.graphql);

/** Returns a new browser of the customer. */
export const person = (handle = 'excellent') =>
  new Browser(credentials.issuer, credentials.personas.find((persona) => persona.handle === handle));

/** Returns the authentication of a client. `alg` replaces its algorithm name, `claims` go into its assertions. */
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
    const response = await fetch(url, options);
    log.push({ url: String(url), status: response.status });
    return response;
  },
});

/** Returns the openid-client configuration of this client, from the server metadata. */
export async function connect(client, { log, metadata = {}, ...proving } = {}) {
  return oauth.discovery(issuer, client.client_id, metadata, await authentication(client, proving), overHttp(log));
}

/** Returns a DPoP handle with a new key. `name` replaces the name of its algorithm. */
export async function newDPoPHandle(config, alg = 'ES256', name = alg) {
  return oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair(alg), {
    [oauth.modifyAssertion](header) {
      header.alg = name;
    },
  });
}

/** Pushes an authorization request. Returns its address, and the checks for the callback. */
export async function pushRequest(config, redirect_uri, { DPoP, ...changed } = {}) {
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

/** Pushes a request and lets the customer decide. Returns the callback address, and the checks for it. */
export async function getDecision(config, redirect_uri, { decision = 'allow', browser = person(), ...changed } = {}) {
  const { address, checks } = await pushRequest(config, redirect_uri, changed);
  return { callback: await browser.decide(address, decision), checks, address, browser };
}

/** Returns the tokens of a request that was pushed, allowed and redeemed. */
export async function tokensFor(config, redirect_uri, DPoP, changed = {}) {
  const { callback, checks } = await getDecision(config, redirect_uri, changed);
  return oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP });
}

/** Returns status and body of the API's response to this query. */
export async function ask(config, token, DPoP, query = QUERY) {
  const response = await oauth.fetchProtectedResource(config, token, graphql, 'POST', query, JSON_BODY, { DPoP });
  return { status: response.status, ...(await response.json()) };
}
