rule "named" {
  each    = "agents"
  surface = "identity"
  message = "Agents have names"
  fix     = "Name it."
}
