variable "a" {
type="string"
}
variable b {
type=list
}
variable "c" {
type="map"
default="${d}"
}
variable "e" {
type=set
}
variable "f" {
type = object({a=string,b=optional(number,1)})
}
other "g" {
type="string"
}
variable "h" {
nested {
type="list"
}
}
