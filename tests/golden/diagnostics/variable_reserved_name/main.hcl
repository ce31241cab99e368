variable "source" {
}
