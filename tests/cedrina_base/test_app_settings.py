from string import Template, capwords

import pytest
from django.test import override_settings

from cedrina_base import setting_checks
from cedrina_base.app_settings import AppSettings


class ShopSettings(AppSettings):
    SETTING = "SHOP"

    SIZE = property(lambda self: self._get("SIZE", 3))
    GREETING = property(lambda self: self._function("GREETING", "string.capwords"))


shop_settings = ShopSettings()


class TestAppSettings:
    def test_works_without_the_setting(self):
        assert shop_settings.SIZE == 3
        assert shop_settings.GREETING("good day") == "Good Day"
        assert shop_settings.unknown_names() == []

    def test_reads_the_setting_at_every_access(self, settings):
        for size in (1, 2):
            settings.SHOP = {"SIZE": size}
            assert size == shop_settings.SIZE
        with override_settings(SHOP={"SIZE": 3}):
            assert shop_settings.SIZE == 3
        assert shop_settings.SIZE == 2
        del settings.SHOP
        assert shop_settings.GREETING is capwords
        settings.SHOP = {"GREETING": "string.Template"}
        assert shop_settings.GREETING is Template

    def test_knows_its_names(self, settings):
        settings.SHOP = {"SIZE": 1, "SIZES": 2, "size": 3}

        assert ShopSettings.names() == {"SIZE", "GREETING"}
        assert shop_settings.unknown_names() == ["SIZES", "size"]

    def test_imports_functions(self, settings):
        settings.SHOP = {"GREETING": "cedrina_base.missing"}

        with pytest.raises(ImportError):
            _ = shop_settings.GREETING


class TestSettingChecks:
    def test_name_unknown_settings(self, settings):
        settings.SHOP = {"SIZES": 1}

        (problem,) = setting_checks.unknown_names(shop_settings, check_id="shop.E001")
        assert (problem.id, problem.msg) == ("shop.E001", "SHOP has no setting 'SIZES'.")

    def test_name_functions_that_there_are_not(self):
        paths = [("GREETING", "string.capwords"), ("FAREWELL", None), ("FAREWELL", "string.missing")]

        (problem,) = setting_checks.unimportable_paths(shop_settings, paths, check_id="shop.E002")
        assert problem.id == "shop.E002"
        assert problem.msg.startswith("SHOP['FAREWELL']: ")
