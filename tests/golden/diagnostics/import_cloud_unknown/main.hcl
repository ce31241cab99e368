import {
  to    = agent.triage
  id    = "old-role"
  cloud = "google"
}
