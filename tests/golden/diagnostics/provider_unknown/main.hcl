provider "azure" {
}
