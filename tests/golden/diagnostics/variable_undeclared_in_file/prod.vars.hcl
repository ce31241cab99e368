regoin = "eu-west-1"
