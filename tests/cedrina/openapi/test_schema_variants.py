"""Schemas of what is read and sent in the same form."""

from cedrina.openapi.schema_variants import merge_variants


def text(**more):
    return {"type": "string", **more}


def thing(**properties):
    return {"type": "object", "properties": properties}


def reference(name):
    return {"$ref": f"#/components/schemas/{name}"}


def merged(paths=None, **schemas):
    document = {"paths": paths or {}, "components": {"schemas": schemas}}
    merge_variants(document)
    return document


class TestMergeVariants:
    def test_leaves_the_stricter_one_under_the_shorter_name(self):
        paths = {"/a": {"post": {"requestBody": reference("HoursRequest"), "responses": {"200": reference("Hours")}}}}
        found = merged(paths, Hours=thing(start=text()), HoursRequest=thing(start=text(minLength=1)))
        assert found["components"]["schemas"] == {"Hours": thing(start=text(minLength=1))}
        assert found["paths"]["/a"]["post"] == {
            "requestBody": reference("Hours"),
            "responses": {"200": reference("Hours")},
        }

    def test_leaves_both_where_more_differs(self):
        schemas = {
            "A": thing(name=text(maxLength=9)),
            "ARequest": thing(name=text(minLength=1)),
            "B": thing(minLength=text()),  # a property of this name
            "BRequest": thing(),
            "CRequest": thing(),
        }
        assert merged(**schemas)["components"]["schemas"] == schemas

    def test_merges_what_contains_merged_ones_and_no_others(self):
        found = merged(
            Hours=thing(start=text()),
            HoursRequest=thing(start=text(minLength=1)),
            Rule=thing(hours={"type": "array", "items": reference("Hours")}),
            RuleRequest=thing(hours={"type": "array", "items": reference("HoursRequest")}),
            Role=thing(name=text(readOnly=True)),
            RoleRequest=thing(),
            Grant=thing(role=reference("Role")),
            GrantRequest=thing(role=reference("RoleRequest")),
        )["components"]["schemas"]
        assert set(found) == {"Hours", "Rule", "Role", "RoleRequest", "Grant", "GrantRequest"}
        assert found["Rule"] == thing(hours={"type": "array", "items": reference("Hours")})
        assert found["GrantRequest"] == thing(role=reference("RoleRequest"))
