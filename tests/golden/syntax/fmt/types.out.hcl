variable "a" {
  type = string
}
variable "b" {
  type = list(any)
}
variable "c" {
  type    = map(string)
  default = d
}
variable "e" {
  type = set(any)
}
variable "f" {
  type = object({ a = string, b = optional(number, 1) })
}
other "g" {
  type = "string"
}
variable "h" {
  nested {
    type = "list"
  }
}
