"""Where the examples of bodies stand."""

from cedrina.openapi.examples import place_examples


def content(schema, **examples):
    reference = {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"content": {"application/json": {"schema": reference, **({"examples": shown} if shown else {})}}}


def operation(name, *, request=None, response=None):
    responses = {"200": {"description": "", **(response or {})}}
    return {"operationId": name, **({"requestBody": request} if request else {}), "responses": responses}


class TestPlaceExamples:
    def test_moves_the_one_of_a_body_to_its_schema(self):
        schemas = {"User": {"type": "object"}}
        paths = {"/a": {"get": operation("a", response=content("User", mina={"id": 1}))}}
        place_examples(paths, schemas)
        assert schemas["User"]["examples"] == [{"id": 1}]
        assert "examples" not in paths["/a"]["get"]["responses"]["200"]["content"]["application/json"]

    def test_keeps_the_first_of_a_response_and_all_of_a_request(self):
        schemas = {"User": {}, "Reason": {}}
        paths = {
            f"/{number}": {
                "post": operation(
                    f"call{number}",
                    request=content("Reason", one=f"reason {number}"),
                    response=content("User", one=f"person {number}"),
                )
            }
            for number in range(2)
        }
        place_examples(paths, schemas)
        assert schemas == {"User": {"examples": ["person 0"]}, "Reason": {"examples": ["reason 0", "reason 1"]}}

    def test_leaves_several_in_the_operation_by_the_names_that_their_view_gave_them(self):
        body = content("Login", ByName=1, **{"By key": 2})
        body["content"]["application/json"]["examples"]["ByName"]["summary"] = "By name"
        paths = {"/a": {"post": operation("sign_in", request=body)}}
        place_examples(paths, {"Login": {}})
        assert paths["/a"]["post"]["requestBody"]["content"]["application/json"]["examples"] == {
            "By name": {"value": 1},
            "By key": {"value": 2},
        }

    def test_leaves_those_of_errors(self):
        error = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {"not_found": {"value": 1}}}
        paths = {"/a": {"get": operation("a", response={"content": {"application/problem+json": error}})}}
        schemas = {"Problem": {}}
        place_examples(paths, schemas)
        assert schemas == {"Problem": {}}
        assert error["examples"] == {"not_found": {"value": 1}}

    def test_puts_it_into_a_schema_that_is_no_component(self):
        paths = {"/a": {"get": operation("a", response=content({"type": "string"}, line="{}"))}}
        place_examples(paths, {})
        body = paths["/a"]["get"]["responses"]["200"]["content"]["application/json"]
        assert body == {"schema": {"type": "string", "examples": ["{}"]}}

    def test_needs_none_for_a_list_of_what_has_one(self):
        schemas = {
            "User": {},
            "Users": {"properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}}},
        }
        paths = {
            "/users": {"get": operation("list", response=content("Users", one={"items": [1]}))},
            "/user": {"get": operation("read", response=content("User", one=1))},
        }
        place_examples(paths, schemas)
        assert "examples" not in schemas["Users"]
        assert schemas["User"]["examples"] == [1]

    def test_needs_none_for_what_consists_of_things_that_have_one(self):
        def members(*names):
            return {"properties": {name: {"$ref": f"#/components/schemas/{name}"} for name in names}}

        schemas = {"User": {}, "Tokens": {}, "Rights": {}, "Both": members("User", "Tokens"), "All": members("Rights")}
        answers = {"User": "mina", "Tokens": "secret", "Both": {"User": "mina", "Tokens": "secret"}, "All": {}}
        paths = {
            f"/{name}": {"get": operation(name, response=content(name, one=value))} for name, value in answers.items()
        }
        place_examples(paths, schemas)
        assert "examples" not in schemas["Both"]
        assert schemas["All"]["examples"] == [{}]
