import {
  to = agent.triage
  id = "old-role"
}

import {
  to = agent.triage
  id = "older-role"
}
