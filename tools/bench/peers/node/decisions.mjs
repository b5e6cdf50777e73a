// Decisions on deposit waivers: the policy, stored JSON, and the objects of the schema.
const CURRENCY = 'CNY'
const MAXIMUM_DEPOSIT = 2_000_00
const MAXIMUM_VEHICLE_VALUE = 500_000_00
const SECONDS_VALID = 7 * 86_400

export const LIMIT_EXCEEDED = declined('CREDIT_LIMIT_EXCEEDED')

/** Returns status, outcome and due amount by the policy, apart from the credit limit. */
export function evaluate ({ deposit, vehicleValue, rental }, now) {
  const amount = minorUnits(deposit.amount)
  if (amount > MAXIMUM_DEPOSIT) return declined('DEPOSIT_TOO_HIGH')
  if (minorUnits(vehicleValue.amount) > MAXIMUM_VEHICLE_VALUE) return declined('VEHICLE_VALUE_TOO_HIGH')
  const terms = { originalDeposit: amount, waivedAmount: amount, depositDue: 0, returnBy: unixTimeOf(rental.end) }
  const outcome = { terms, validUntil: now + SECONDS_VALID, reasons: [] }
  return { status: 'APPROVED', outcome, due: amount }
}

function declined (reason) {
  return { status: 'DECLINED', outcome: { reasons: [reason] }, due: null }
}

/** Returns the Decision of a row. Times stay Unix seconds: the scalar DateTime serializes the selected ones. */
export function decisionOf ([id, reference, product, status, createdAt, outcome, due]) {
  return {
    id: `dec_${id}`,
    status,
    merchantReference: reference,
    createdAt,
    product,
    outcome: outcomeOf(JSON.parse(outcome)),
    settlement: due === null ? null : { due: money(due) }
  }
}

function outcomeOf ({ terms, validUntil, reasons: codes }) {
  const reasons = codes.map((code) => ({ code }))
  return terms ? { __typename: 'Approval', terms, validUntil, reasons } : { __typename: 'Decline', reasons }
}

/** Returns the Money of an amount in minor units. */
export function money (minor) {
  const digits = String(minor).padStart(3, '0')
  return { amount: `${digits.slice(0, -2)}.${digits.slice(-2)}`, currency: CURRENCY }
}

/** Returns a decimal amount, which the scalar Decimal has checked, in minor units. */
export function minorUnits (amount) {
  const [units, decimals = ''] = amount.split('.')
  return Number(units) * 100 + Number(decimals.padEnd(2, '0'))
}

function unixTimeOf (text) {
  return Math.trunc(Date.parse(text) / 1000)
}
