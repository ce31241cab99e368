output "p" {
  value = person.alice
}
