"""The routes of ``/dev/mail``."""

from django.urls import path

from cedrina.tooling.sent_mail import views

urlpatterns = [
    path("mail", views.inbox, name="sent-mail"),
    path("mail/<str:name>", views.mail, name="sent-mail-one"),
    path("mail/<str:name>/html", views.mail_html, name="sent-mail-html"),
    path("mail/preview/<str:kind>/<str:language>", views.preview, name="mail-preview"),
    path("mail/preview/<str:kind>/<str:language>/html", views.preview_html, name="mail-preview-html"),
]
