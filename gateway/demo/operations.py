"""The GraphQL documents of the demos."""

TIER = """query Tier {
  consentedUser {
    id
    scoreTier { tier rank }
    meetsTier(minimum: EXCELLENT)
  }
}"""
PREVIEW = """query Preview($input: DecisionPreviewInput!) {
  decisionPreview(input: $input) {
    eligible
    likelyOutcome { __typename }
    blockers { code message }
  }
}"""
REQUEST = """mutation Request($input: DecisionRequestInput!) {
  decisionRequest(input: $input) {
    replayed
    decision {
      id status merchantReference availableTransitions
      outcome {
        ... on Approval {
          validUntil
          terms {
            ... on DepositTerms {
              waivedAmount { amount currency }
              depositDue { amount currency }
              returnBy
            }
          }
        }
        ... on Decline { reasons { code message } }
      }
    }
    userErrors { code message field }
  }
}"""
LOG = """query Log {
  merchant {
    name
    decisions(first: 5) {
      totalCount
      nodes {
        id status
        timeline {
          nodes { topic occurredAt ... on DecisionEvent { actor } }
        }
      }
    }
  }
}"""
PURCHASE = """mutation Purchase($input: DecisionRequestInput!) {
  decisionRequest(input: $input) {
    decision {
      id status
      outcome {
        ... on Approval {
          terms {
            ... on PayLaterTerms { amount { amount currency } dueAt }
          }
        }
        ... on Decline { reasons { code message } }
      }
    }
    userErrors { code message field }
  }
}"""
CANCEL = """mutation Cancel($input: DecisionCancelInput!) {
  decisionCancel(input: $input) {
    decision { id status }
    userErrors { code message }
  }
}"""
TIER_ALONE = "{ consentedUser { scoreTier { tier rank } } }"
