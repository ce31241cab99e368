output "x" {
  value = agent.triage.purpos
}
