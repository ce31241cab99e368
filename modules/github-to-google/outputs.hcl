output "agent" {
  description = "The agent, for grants and tests of your own."
  value       = agent.this
}

output "name" {
  description = "Its name: unique in the workspace, and part of its provider's name in the pool."
  value       = agent.this.name
}
