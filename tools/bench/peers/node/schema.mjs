// The executable schema of the three GraphQL servers: peer.graphql, its scalars and resolvers.
import { readFileSync } from 'node:fs'

import { makeExecutableSchema } from '@graphql-tools/schema'
import { GraphQLError, GraphQLScalarType } from 'graphql'

import { minorUnits, money } from './decisions.mjs'

// graphql-jit 0.8.9 demands non-null fields of nested input objects even if they have a default.
const SDL = readFileSync(new URL('../peer.graphql', import.meta.url), 'utf8')
  .replace('acceptReduction: Boolean! = true', 'acceptReduction: Boolean = true')
const DOCUMENTATION = 'https://gateway.example/errors'
const DEFAULT_PAGE_SIZE = 20
const LARGEST_PAGE = 100

function textScalar (name, isValid, serialize = (value) => value) {
  return new GraphQLScalarType({
    name,
    serialize,
    parseValue (value) {
      if (typeof value !== 'string' || !isValid(value)) throw new GraphQLError(`Not a ${name}.`)
      return value
    }
  })
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

function isDateTime (text) {
  return DATE_TIME.test(text) && !Number.isNaN(Date.parse(text))
}

const scalars = {
  CurrencyCode: textScalar('CurrencyCode', (text) => /^[A-Z]{3}$/.test(text)),
  DateTime: textScalar('DateTime', isDateTime, (seconds) => new Date(seconds * 1000).toISOString()),
  Decimal: textScalar('Decimal', (text) => /^\d{1,12}(\.\d{1,2})?$/.test(text))
}

function pageSize (first) {
  const size = first ?? DEFAULT_PAGE_SIZE
  if (size < 1 || size > LARGEST_PAGE) throw new GraphQLError(`first must be from 1 to ${LARGEST_PAGE}.`)
  return size
}

/** Returns the user error of an input, or undefined. */
function problemOf ({ ask: { carRental } }) {
  if (!carRental) return invalid('Set exactly one member.') // graphql-jit 0.8.9 does not check @oneOf
  const { deposit, vehicleValue, rental } = carRental
  if (minorUnits(deposit.amount) === 0) return invalid('The amount must be above zero.', 'deposit')
  if (minorUnits(vehicleValue.amount) === 0) return invalid('The amount must be above zero.', 'vehicleValue')
  if (deposit.currency !== 'CNY') return invalid('The currency is not supported.', 'deposit')
  if (vehicleValue.currency !== 'CNY') return invalid('The currency is not supported.', 'vehicleValue')
  if (Date.parse(rental.end) <= Date.parse(rental.start)) return invalid('The period ends before it starts.', 'rental')
}

function invalid (message, member) {
  const field = member ? ['input', 'ask', 'carRental', member] : ['input', 'ask']
  return { __typename: 'InvalidInputError', code: 'INVALID', message, field, documentation: `${DOCUMENTATION}/INVALID` }
}

const KEY_REUSED = {
  __typename: 'IdempotencyError',
  code: 'IDEMPOTENCY_KEY_REUSED',
  message: 'The idempotency key was used before with another input.',
  field: ['input', 'idempotencyKey'],
  documentation: `${DOCUMENTATION}/IDEMPOTENCY_KEY_REUSED`
}

function forbidden () {
  return new GraphQLError('A user token is required.', { extensions: { code: 'FORBIDDEN' } })
}

function failed (error) {
  return { decision: null, userErrors: [error], replayed: false }
}

const resolvers = {
  ...scalars,
  Query: {
    consentedUser: (_, __, { viewer }) => viewer.userId === null ? null : { id: String(viewer.userId) },
    merchant: (_, __, { viewer }) => ({ id: String(viewer.merchantId) })
  },
  ConsentedUser: {
    scoreTier: (_, __, { store, viewer }) => store.readTier(viewer)
  },
  Merchant: {
    name: (_, __, { store, viewer }) => store.merchantName.get(viewer.merchantId),
    decisions: (_, { first }, { store, viewer }) => store.readDecisions(viewer.merchantId, pageSize(first))
  },
  DecisionTerms: {
    __resolveType: () => 'DepositTerms' // the only product of this policy
  },
  DepositTerms: {
    originalDeposit: (terms) => money(terms.originalDeposit),
    waivedAmount: (terms) => money(terms.waivedAmount),
    depositDue: (terms) => money(terms.depositDue)
  },
  Mutation: {
    decisionRequest (_, { input }, { store, viewer }) {
      if (viewer.consentId === null) throw forbidden()
      const problem = problemOf(input)
      if (problem) return failed(problem)
      const { decision, replayed } = store.requestDecision(viewer, input)
      return decision ? { decision, userErrors: [], replayed } : failed(KEY_REUSED)
    }
  }
}

export const schema = makeExecutableSchema({ typeDefs: SDL, resolvers })
