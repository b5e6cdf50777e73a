#!/bin/sh
# The first decision with curl: a partner of its own, a consent without a browser, the tier, a decision.
#
#     make run                                                          # the sandbox, in another terminal
#     PATH="$PWD/.venv/bin:$PATH" sh docs/examples/first_decision.sh    # the file of a partner may follow
#
# It needs curl and python3, which reads and writes the JSON.
set -eu
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# value PATH < JSON: prints one value. In a list, name=word takes the object with this member.
value() {
  python3 -c '
import json, sys
try:
    value = json.load(sys.stdin)
except ValueError:
    sys.exit("There is no JSON in the answer. Does the sandbox run?")
problems = value.get("errors") or [e for each in (value.get("data") or {}).values() for e in each.get("userErrors", ())]
if problems:
    sys.exit("The gateway refused the request: " + problems[0]["message"])
for name in sys.argv[1].split("."):
    key, _, word = name.partition("=")
    value = next(each for each in value if each[key] == word) if word else value[key]
print(value)' "$1"
}

# call TOKEN DOCUMENT VARIABLES: prints the response. A call that fails on its way is repeated as it is, so with the same
# idempotency key. The token is in no list of processes, because printf is part of the shell.
call() {
  python3 -c 'import json, sys; print(json.dumps({"query": sys.argv[1], "variables": json.loads(sys.argv[2])}))' \
    "$2" "$3" > "$folder/request.json"
  printf 'Authorization: Bearer %s\nContent-Type: application/json\n' "$1" > "$folder/headers"
  curl -sS --max-time 20 --retry 3 --retry-all-errors -H "@$folder/headers" -d "@$folder/request.json" "$graphql"
}

# 1. A partner with a merchant for each industry, and test persons without a past.
if [ $# -gt 0 ]; then cp "$1" "$folder/partner.json"; else gateway sandbox partner new --json > "$folder/partner.json"; fi
graphql=$(value graphql < "$folder/partner.json")
merchant_token=$(value merchants.adapter=online_shop.merchant_token < "$folder/partner.json")

# 2. The consent of a person, without a browser: only a sandbox has this mutation.
grant='mutation Grant($persona: String!, $scopes: [String!]!) {
  sandboxConsentGrant(persona: $persona, scopes: $scopes) { accessToken userErrors { code message } } }'
access_token=$(call "$merchant_token" "$grant" '{"persona": "excellent", "scopes": ["score:tier", "decisions:request"]}' |
  value data.sandboxConsentGrant.accessToken)

# 3. The tier, with the token of the consent.
tier=$(call "$access_token" '{ consentedUser { scoreTier { tier } } }' '{}' | value data.consentedUser.scoreTier.tier)
echo "Tier: $tier"

# 4. The decision: may this person pay 400 yuan within seven days?
request='mutation Request($input: DecisionRequestInput!) {
  decisionRequest(input: $input) { decision { id status } userErrors { code message } } }'
order="order-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
call "$access_token" "$request" '{"input": {"idempotencyKey": "'"$order"'-request", "merchantReference": "'"$order"'",
  "ask": {"onlineOrder": {"amount": {"amount": "400.00", "currency": "CNY"}, "payWithin": "P7D"}}}}' > "$folder/decision.json"
decision=$(value data.decisionRequest.decision.id < "$folder/decision.json")
status=$(value data.decisionRequest.decision.status < "$folder/decision.json")
echo "Decision: $decision $status"

# 5. The order is called off, so the credit limit of the person is free again.
cancel='mutation Cancel($input: DecisionCancelInput!) {
  decisionCancel(input: $input) { decision { status } userErrors { code message } } }'
call "$merchant_token" "$cancel" '{"input": {"decisionId": "'"$decision"'", "idempotencyKey": "'"$order"'-cancel"}}' |
  value data.decisionCancel.decision.status
