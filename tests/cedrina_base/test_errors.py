from cedrina_base.errors import AppError


class ShopClosed(AppError):
    code = "shop_closed"
    message = "The shop is closed."


class TestAppError:
    def test_keeps_its_context_out_of_what_is_shown(self):
        error = ShopClosed(owner="ada")

        assert str(error) == "shop_closed"
        assert error.context == {"owner": "ada"}
