// The page /partners/graphiql: GraphiQL with prepared tabs. It gets access tokens by POST and keeps them in memory.
import {
  GraphiQL,
  HISTORY_PLUGIN,
  buildSchema,
  createElement,
  createRoot,
  useEffect,
  useGraphiQL,
} from './graphiql/graphiql.js';

const MOST_OWN_TABS = 10;
const EARLY = 30_000; // milliseconds before its end in which a token is not used any more
const NAME = 'graphiql:'; // what the keys of GraphiQL's storage begin with
const TABS = `${NAME}tabState`;
const FIRST = 'Request'; // the tab that is shown at first, so that the first press of Run makes a decision
const LOGGED = 'logged'; // the id of the tab with a request of the request log

const configuration = JSON.parse(document.getElementById('configuration').textContent);
const { operations, logged, merchant, partner } = configuration;
const texts = document.getElementById('texts').dataset;
const status = document.getElementById('status');
const persona = document.getElementById('persona');

function say(text, values = {}) {
  status.textContent = text.replace(/{(\w+)}/g, (_, name) => values[name]);
}

/** Posts a form to the page's own route for tokens. Returns its JSON. Throws an Error that a person can read. */
async function post(fields) {
  const body = new URLSearchParams({ csrf_token: configuration.csrf, merchant, ...fields });
  const response = await fetch('/partners/graphiql/token', { method: 'POST', body, redirect: 'manual', cache: 'no-store' });
  if (response.type === 'opaqueredirect') throw new Error(texts.out);
  if (!response.headers.get('content-type')?.startsWith('application/json')) throw new Error(texts.broken);
  const result = await response.json();
  if (result.error) throw new Error(texts.failed.replace('{message}', result.error.message));
  return result;
}

const tokens = new Map();
const keyOf = (kind) => (kind === 'merchant' ? kind : `consent ${persona.value}`);

function keepToken(key, result) {
  const token = { ...result, endsAt: Date.now() + result.expiresIn * 1000 - EARLY };
  tokens.set(key, token);
  return token;
}

function describeToken(kind, token) {
  say(texts[kind], token);
  return token.accessToken;
}

/** Returns an access token of this kind, a kept one if it is still valid. */
async function getToken(kind) {
  const key = keyOf(kind);
  const kept = tokens.get(key);
  if (kept && kept.endsAt > Date.now()) return describeToken(kind, kept);
  say(texts.waiting);
  try {
    const fields = kind === 'merchant' ? { kind } : { kind, persona: persona.value };
    return describeToken(kind, keepToken(key, await post(fields)));
  } catch (error) {
    say(error.message);
    throw error;
  }
}

/** Finishes the flow of the sign-in button: its person becomes the chosen one, with the token of the real consent. */
async function finishSignIn() {
  try {
    const result = await post({ kind: 'sign_in' });
    const name = result.persona ?? result.username;
    if (![...persona.options].some((each) => each.value === name)) persona.add(new Option(name, name));
    persona.value = name;
    keepToken(keyOf('consent'), result);
    say(`${texts.signed} ${texts.consent}`, { person: result.username, consent: result.consent });
  } catch (error) {
    say(error.message);
  }
}

const chosenKind = () => document.querySelector('input[name=token]:checked').value;

async function send(kind, body) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await getToken(kind)}`,
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json',
    },
    body: JSON.stringify(body),
    credentials: 'omit',
    cache: 'no-store',
  });
  if (response.status === 401) {
    tokens.delete(keyOf(kind));
    say(texts.refused);
  }
  return response.json();
}

let editor; // the state of GraphiQL

/** Writes the id of a new decision into the tab Lifecycle, unless its variables were edited. Returns its variables. */
function followDecision(result, operationName) {
  const decision = result.data?.decisionRequest?.decision;
  const prepared = operations.find((each) => each.name === 'Lifecycle');
  if (operationName !== 'Request' || !decision || !prepared) return prepared?.variables;
  const before = printed(prepared.variables);
  prepared.variables = Object.fromEntries(
    Object.entries(prepared.variables).map(([step, values]) => [
      step,
      { ...values, decisionId: decision.id, idempotencyKey: makeKey() },
    ]),
  );
  editor.tabs.forEach((tab, index) => {
    if (tab.title !== 'Lifecycle' || tab.variables !== before) return;
    if (index === editor.activeTabIndex) editor.variableEditor.setValue(printed(prepared.variables));
    else tab.variables = printed(prepared.variables);
  });
  return prepared.variables;
}

const makeKey = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (each) => each.toString(16).padStart(2, '0')).join('');
const printed = (variables) => JSON.stringify(variables, null, 2);

/** Says what to do if a new decision has too little of the person's credit limit. */
function explainLimit(result) {
  const reasons = result.data?.decisionRequest?.decision?.outcome?.reasons;
  if (reasons?.some((each) => each.code === 'EXPOSURE_LIMIT_REACHED')) say(texts.limit);
}

/** Returns the name of the operation to run. GraphiQL's name is that of the former tab for a moment after a change. */
function nameOperation(query, name) {
  const names = [...query.matchAll(/\b(?:query|mutation|subscription)\s+(\w+)/g)].map((each) => each[1]);
  return names.includes(name) || names.length !== 1 ? name : names[0];
}

async function fetcher({ query, variables, operationName: selected }) {
  const operationName = nameOperation(query, selected);
  if (operationName === 'Lifecycle' && variables?.activate?.decisionId === '') {
    const request = operations.find((each) => each.name === 'Request');
    const result = await send(request.token, { query: request.document, variables: request.variables });
    if (!result.data?.decisionRequest?.decision) return result;
    variables = followDecision(result, 'Request');
  }
  const result = await send(chosenKind(), { query, variables, operationName });
  followDecision(result, operationName);
  explainLimit(result);
  return result;
}

/** Shows the token of the active tab: the one chosen there, else the one that its prepared operation needs. */
const kinds = new Map(logged ? [[LOGGED, logged.token]] : []);

function FollowTab() {
  const state = useGraphiQL(({ tabs, activeTabIndex, variableEditor }) => ({ tabs, activeTabIndex, variableEditor }));
  editor = state;
  const tab = state.tabs[state.activeTabIndex];
  useEffect(() => {
    const kind = kinds.get(tab.id) ?? operations.find((each) => each.name === tab.title)?.token;
    if (kind) document.querySelector(`input[name=token][value=${kind}]`).checked = true;
  }, [tab.id, tab.title]);
  return null;
}

for (const choice of document.querySelectorAll('input[name=token]'))
  choice.addEventListener('change', () => kinds.set(editor.tabs[editor.activeTabIndex].id, choice.value));

function readOwnTabs() {
  try {
    const { tabs } = JSON.parse(localStorage.getItem(`${partner} ${TABS}`));
    const isPrepared = (tab) => operations.some((each) => each.document === tab.query);
    const own = tabs.filter((tab) => tab.id !== LOGGED && tab.query?.trim() && !isPrepared(tab));
    return own.map((tab) => ({ ...tab, id: makeKey() }));
  } catch {
    return [];
  }
}

function makeTab({ name, document: query, variables }, id = `prepared-${name}`) {
  const shown = Object.keys(variables).length ? printed(variables) : '';
  return { id, hash: '', title: name || '<untitled>', query, variables: shown, headers: null, operationName: name || null, response: null };
}

/** Local storage with the keys of this partner. The tabs begin with the prepared ones. */
function makeStorage() {
  const prefix = `${partner} `;
  const names = () => Object.keys(localStorage).filter((each) => each.startsWith(prefix + NAME));
  const tabs = [...operations.map((each) => makeTab(each)), ...readOwnTabs().slice(-MOST_OWN_TABS)];
  if (logged) tabs.push(makeTab(logged, LOGGED));
  const shown = logged ? tabs.at(-1) : tabs.find((tab) => tab.title === FIRST);
  // GraphiQL shows the tab that has the kept query and variables.
  const kept = {
    [TABS]: JSON.stringify({ activeTabIndex: tabs.indexOf(shown), tabs }),
    [`${NAME}query`]: shown.query,
    [`${NAME}variables`]: shown.variables,
    [`${NAME}headers`]: null,
  };
  return {
    getItem: (key) => (key in kept ? kept[key] : localStorage.getItem(prefix + key)),
    setItem: (key, value) => (key in kept && key !== TABS) || localStorage.setItem(prefix + key, value),
    removeItem: (key) => localStorage.removeItem(prefix + key),
    clear: () => names().forEach((each) => localStorage.removeItem(each)),
    get length() {
      return names().length;
    },
  };
}

async function readSchema() {
  try {
    const response = await fetch('/schema.graphql');
    return buildSchema(await response.text());
  } catch {
    say(texts.broken);
    return null;
  }
}

function render(schema) {
  const properties = {
    fetcher,
    schema,
    storage: makeStorage(),
    plugins: [HISTORY_PLUGIN],
    defaultEditorToolsVisibility: 'variables',
    forcedTheme: 'system',
    isHeadersEditorEnabled: false,
    showPersistHeadersSettings: false,
  };
  const logo = createElement(GraphiQL.Logo, {}, createElement('span'));
  createRoot(document.getElementById('graphiql')).render(
    createElement(GraphiQL, properties, logo, createElement(FollowTab)),
  );
}

if (configuration.signIn) await finishSignIn();
const schema = await readSchema();
if (schema) render(schema);
