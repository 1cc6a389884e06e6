import plugin from "eslint-plugin-import";

export default [
  {
    files: ["imports.mjs"],
    plugins: { import: plugin },
    languageOptions: { ecmaVersion: 2022, sourceType: "module" },
    rules: {
      "import/no-unresolved": ["error", { commonjs: true }],
      "import/named": "error",
      "import/namespace": "error",
    },
  },
];
