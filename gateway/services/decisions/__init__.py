"""Use cases of decisions: request, transition, review, dispute, receipt."""
