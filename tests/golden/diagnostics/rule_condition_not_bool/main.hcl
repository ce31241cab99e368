rule "named" {
  each      = "agent"
  surface   = "identity"
  condition = self.name
  message   = "Agents have names"
  fix       = "Name it."
}
