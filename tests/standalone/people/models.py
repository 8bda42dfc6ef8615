"""Another project's users: counted by integers, known by their address, without anything that Cedrina's have."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class PersonManager(BaseUserManager["Person"]):
    pass


class Person(AbstractBaseUser):
    address = models.EmailField(unique=True)

    objects = PersonManager()

    USERNAME_FIELD = "address"
