rule "named" {
  each      = "agent"
  surface   = "identity"
  condition = self.nmae != ""
  message   = "Agents have names"
  fix       = "Name it."
}
