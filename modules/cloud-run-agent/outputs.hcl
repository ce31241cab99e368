output "agent" {
  description = "The agent, for grants and tests of your own."
  value       = agent.this
}

output "name" {
  description = "Its name: unique in the workspace, and part of its service account's name."
  value       = agent.this.name
}
